"""A fault: one thing that is wrong, told so that its reader can mend it.

`CATALOGUE` lists every code once. Ranges: 1xx the bundle as it was dropped, 2xx its environment, 3xx serving it,
4xx the smoke test, 5xx scoring and data, 6xx the gate, 9xx the platform. A code never changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]

CATALOGUE: dict[str, str] = {
    # 1xx the bundle as it was dropped
    "MG101": "the drop is not an archive that is read here",
    "MG102": "the archive is cut off or damaged",
    "MG103": "the archive is too large",
    "MG104": "the unpacked files are too large",
    "MG105": "there are too many files",
    "MG106": "the archive unpacks to far more than its size",
    "MG107": "a path is too deep or too long",
    "MG108": "a path points out of the bundle",
    "MG109": "a link or a device is in the bundle",
    "MG110": "two files have the same name",
    "MG111": "a file in the archive is encrypted",
    "MG112": "a file name cannot be read",
    "MG113": "the drop holds no file",
    "MG114": "a file in the archive is packed in a way that is not read here",
    "MG120": "there is no model",
    "MG121": "several files could be the model",
    "MG122": "the model file is empty, or only a pointer to it",
    "MG123": "there is no scoring file",
    "MG124": "several files could be the scoring file",
    "MG125": "the manifest names a file that is not there",
    "MG126": "there is no environment file",
    "MG127": "several files could be the environment file",
    "MG128": "a file is too large to be checked",
    "MG129": "a file is not UTF-8 text",
    "MG130": "a file of the bundle is not used",
    "MG131": "the model file is not a model",
    "MG132": "one of several files was chosen",
    "MG133": "a file looks like a manifest but is not read",
    "MG134": "there are two manifests",
    "MG140": "the manifest is not YAML",
    "MG141": "the manifest is not a list of keys and values",
    "MG142": "a key is there twice",
    "MG143": "the manifest uses YAML that is not accepted",
    "MG144": "an unknown key",
    "MG145": "a value of the wrong type",
    "MG146": "a value that is not allowed",
    "MG147": "a KPI without a limit",
    "MG148": "a KPI that is not enforced yet",
    "MG149": "a KPI that is looser than the site's",
    "MG150": "there are no KPIs",
    "MG151": "an unknown metric",
    "MG152": "a limit on the wrong side",
    "MG153": "an override that cannot be applied",
    "MG154": "nobody is named as submitter",
    "MG155": "the submitter is not an e-mail address",
    "MG156": "the submitter's domain is not allowed",
    "MG157": "the name was changed",
    "MG158": "there is no usable name",
    "MG159": "a key that is kept but not used yet",
    "MG160": "the scoring file is not Python",
    "MG161": "init or run is missing",
    "MG162": "the server does not accept init or run",
    "MG163": "an imported package is not in the environment file",
    "MG164": "an imported module is not in the bundle",
    "MG165": "a left-over of SDK v1",
    "MG166": "use of what needs an SDK v1 workspace",
    "MG167": "the scoring file opens a file that is not in the bundle",
    "MG168": "the manifest and the scoring file disagree on online or batch",
    "MG169": "the scoring file is empty",
    "MG180": "a pickle that runs commands when it is read",
    "MG181": "a pickle that is cut off",
    "MG182": "a pickle needs a package that is not in the environment file",
    "MG183": "a pickle was written by another version",
    "MG184": "a pickle was not looked at to its end",
    "MG185": "a file that should be a pickle is none",
    "MG186": "a pickle needs a class from a script",
    "MG190": "there is no verification data",
    "MG191": "the target is not a column of the verification data",
    "MG192": "no target column is named",
    "MG193": "verification data that nobody names",
    "MG194": "the verification data cannot be read",
    "MG195": "the task was taken from the KPIs",
    "MG196": "the verification data is looked for outside the bundle",
    # 2xx the environment
    "MG200": "the environment file is not YAML",
    "MG201": "the environment file is not a list of packages",
    "MG202": "a line that is no package",
    "MG203": "a line that names an index",
    "MG204": "a package from elsewhere than the index",
    "MG205": "a package that exists only for conda",
    "MG206": "a package is pinned twice, differently",
    "MG207": "an included file is not there",
    "MG208": "a line that is taken otherwise, or left out",
    "MG209": "a package of Azure ML that is taken otherwise",
    "MG210": "the Python version cannot be read",
    "MG211": "the Python asked for is not here",
    "MG212": "another patch of the same Python is used",
    "MG213": "the Python asked for is too old to be served",
    "MG220": "a package that does not exist",
    "MG221": "a version that does not exist",
    "MG222": "a package that does not support the Python asked for",
    "MG223": "packages that cannot be installed together",
    "MG224": "a package could not be built from source",
    "MG225": "a package has nothing to install on this machine",
    "MG226": "the build took too long",
    "MG227": "the environment is too large",
    "MG229": "the environment could not be built",
    "MG240": "pins that cannot live with the scoring server",
    "MG241": "the scoring server is left out",
    # 3xx serving
    "MG301": "init() raised",
    "MG302": "a file is not where the scoring script looks for it",
    "MG303": "a module is not in the environment",
    "MG304": "the model was written by other versions",
    "MG305": "the scoring script could not be imported",
    "MG306": "the server does not accept init or run as they run",
    "MG307": "the start took too long",
    "MG308": "a limit was exceeded while serving",
    "MG309": "the served process died",
    "MG310": "the script needs an SDK v1 workspace",
    "MG311": "the scoring server could not start",
    "MG312": "the script asked the network for something while it started",
    # 4xx smoke test
    # 5xx scoring and data
    # 6xx the gate
    # 9xx the platform
}


@dataclass(frozen=True)
class Fault:
    """What is wrong (`message`), where (`file`, 1-based `line`), and what to do about it (`fix`)."""

    code: str
    message: str
    fix: str = ""
    file: str | None = None
    line: int | None = None
    severity: Severity = "error"
