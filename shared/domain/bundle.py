"""The bundle: checked files, addressed by their digest, and what inspection found out about them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.faults import Fault
from shared.domain.manifest import Manifest


@dataclass(frozen=True)
class Requirement:
    """One package line of the environment, as PEP 508 for PyPI, with the place it came from."""

    name: str  # PyPI's name, normalised (PEP 503)
    spec: str  # PEP 508, e.g. "scikit-learn[x]==1.7.2; python_version > '3.10'"
    file: str  # path in the bundle
    line: int  # 1-based
    written: str  # the line as the submitter wrote it, e.g. "py-xgboost=1.7"


@dataclass(frozen=True)
class EnvironmentSpec:
    """What the bundle's environment file asks for."""

    file: str
    python: str | None  # a PEP 440 specifier or bare version: "3.11", "3.7.*", ">=3.11,<3.14"; None: any
    python_line: int | None
    requirements: tuple[Requirement, ...]
    python_file: str | None = None  # where `python_line` is, when it is not `file` (MLflow's python_env.yaml, an included file)


@dataclass(frozen=True)
class Bundle:
    """A bundle that inspection accepted. Paths are relative to the bundle's root, with `/`."""

    digest: str  # SHA-256, hex, of the sorted (path, SHA-256 of content) listing
    manifest: Manifest
    size: int  # bytes, all files
    files: int
    model: str  # a file or a folder
    scoring: str | None  # None: an MLflow model folder serves itself
    environment: EnvironmentSpec
    style: str  # online | batch
    mlflow: bool = False  # `model` is an MLflow model folder
    data: str | None = None  # verification data inside the bundle; else manifest.data.reference is resolved outside
    metrics: str | None = None  # metrics.py
    preprocess: str | None = None  # preprocess.py
    v1_imports: bool = False  # left-over azureml.core import: serving brings a stand-in


@dataclass(frozen=True)
class Drop:
    """What was put into the container: an archive (`url` of the blob) or a folder (`url` of the prefix, ends in `/`)."""

    url: str
    etag: str  # normalised: no quotes, no W/, lower-case
    name: str  # archive's or folder's name without its ending
    submitter: str | None = None  # blob metadata
    uploader: str | None = None  # uploading principal
    overrides: tuple[str, ...] = ()  # --set kpis.0.min=0.5
    force: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether many blobs under one prefix make this drop."""
        return self.url.endswith("/")


@dataclass(frozen=True)
class Inspected:
    """What inspection says of a drop. `bundle` is None when an error is among `faults`; name and submitter as far as known."""

    bundle: Bundle | None
    faults: tuple[Fault, ...]
    data_digest: str | None = None  # SHA-256 of the verification data that will judge it
    name: str | None = None
    submitter: str | None = None
