"""Which package an import comes from, and what packages bring with them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache

from shared.domain.bundle import EnvironmentSpec

# import=package|another package that brings the same; where both have one name there is nothing to say
_IMPORTS = """
sklearn=scikit-learn|scikit-learn-intelex PIL=pillow|pillow-simd
cv2=opencv-python-headless|opencv-python|opencv-contrib-python|opencv-contrib-python-headless
yaml=pyyaml skimage=scikit-image bs4=beautifulsoup4 dateutil=python-dateutil dotenv=python-dotenv jwt=pyjwt Crypto=pycryptodome
attr=attrs attrs=attrs pkg_resources=setuptools setuptools=setuptools tensorflow=tensorflow|tensorflow-cpu|tensorflow-gpu|intel-tensorflow
torch=torch|pytorch xgboost=xgboost|xgboost-cpu|py-xgboost onnxruntime=onnxruntime|onnxruntime-gpu|onnxruntime-directml
psycopg2=psycopg2-binary|psycopg2 faiss=faiss-cpu|faiss-gpu mlflow=mlflow|mlflow-skinny google.protobuf=protobuf serial=pyserial
OpenSSL=pyopenssl zmq=pyzmq MySQLdb=mysqlclient git=gitpython magic=python-magic docx=python-docx pptx=python-pptx fitz=pymupdf
sentence_transformers=sentence-transformers fbprophet=fbprophet|prophet prophet=prophet umap=umap-learn pytorch_lightning=pytorch-lightning
lightning=lightning imblearn=imbalanced-learn category_encoders=category-encoders mpl_toolkits=matplotlib pylab=matplotlib
jose=python-jose multipart=python-multipart Levenshtein=levenshtein|python-levenshtein snowflake=snowflake-connector-python
pandas_profiling=pandas-profiling
hdbscan=hdbscan community=python-louvain igraph=igraph|python-igraph rdkit=rdkit|rdkit-pypi
osgeo=gdal cairo=pycairo usb=pyusb websocket=websocket-client speech_recognition=speechrecognition
tf_keras=tf-keras onnxmltools=onnxmltools skl2onnx=skl2onnx pyspark=pyspark kneed=kneed pmdarima=pmdarima statsmodels=statsmodels
numpy=numpy pandas=pandas|modin scipy=scipy joblib=joblib lightgbm=lightgbm catboost=catboost keras=keras|tensorflow matplotlib=matplotlib
seaborn=seaborn requests=requests flask=flask transformers=transformers tokenizers=tokenizers datasets=datasets nltk=nltk spacy=spacy
gensim=gensim h5py=h5py onnx=onnx dill=dill cloudpickle=cloudpickle pyarrow=pyarrow fastparquet=fastparquet polars=polars shap=shap
torchvision=torchvision torchaudio=torchaudio tqdm=tqdm numba=numba networkx=networkx sympy=sympy plotly=plotly pydantic=pydantic
fastapi=fastapi pyodbc=pyodbc sqlalchemy=sqlalchemy openpyxl=openpyxl lxml=lxml textblob=textblob tensorflow_hub=tensorflow-hub
fasttext=fasttext librosa=librosa soundfile=soundfile imageio=imageio ultralytics=ultralytics timm=timm einops=einops lime=lime
autogluon=autogluon pycaret=pycaret featuretools=featuretools tsfresh=tsfresh sktime=sktime dask=dask ray=ray boto3=boto3
azureml.automl=azureml-automl-runtime|azureml-automl-core|azureml-train-automl azureml.train.automl=azureml-train-automl
azureml.train=azureml-train-core azureml.monitoring=azureml-monitoring azureml.ai.monitoring=azureml-ai-monitoring
azureml.interpret=azureml-interpret azureml.explain=azureml-explain-model azureml.dataprep=azureml-dataprep azureml.mlflow=azureml-mlflow
azureml.fsspec=azureml-fsspec azureml.telemetry=azureml-telemetry azureml.pipeline=azureml-pipeline
azureml.opendatasets=azureml-opendatasets azureml.studio=azureml-designer-classic-modules azureml.designer=azureml-designer-core
"""

# package: packages and imports that come with it
_BRINGS = """
scikit-learn: numpy scipy joblib threadpoolctl narwhals
pandas: numpy python-dateutil pytz tzdata six
numpy: ; joblib: ; threadpoolctl: ; cloudpickle: ; dill: ; pyyaml: ; tqdm: ; pillow: ; pip: ; setuptools: ; wheel: ; certifi: ; six:
scipy: numpy
xgboost: numpy scipy ; xgboost-cpu: numpy scipy ; lightgbm: numpy scipy
catboost: numpy pandas scipy matplotlib plotly graphviz six
matplotlib: numpy pillow python-dateutil packaging cycler kiwisolver pyparsing contourpy fonttools
seaborn: numpy pandas matplotlib
statsmodels: numpy scipy pandas patsy packaging
shap: numpy scipy scikit-learn pandas tqdm packaging numba cloudpickle slicer typing-extensions
imbalanced-learn: numpy scipy scikit-learn joblib threadpoolctl
category-encoders: numpy scipy scikit-learn pandas statsmodels patsy
onnxruntime: numpy protobuf flatbuffers packaging sympy coloredlogs ; onnx: numpy protobuf typing-extensions
skl2onnx: numpy scipy scikit-learn onnx protobuf ; h5py: numpy ; numba: numpy llvmlite
torch: typing-extensions filelock sympy networkx jinja2 fsspec ; torchvision: numpy pillow torch ; torchaudio: torch
tensorflow: numpy keras h5py protobuf absl-py wrapt six requests tensorboard typing-extensions packaging termcolor grpcio setuptools
tensorflow-cpu: numpy keras h5py protobuf absl-py wrapt six requests tensorboard typing-extensions packaging termcolor grpcio setuptools
keras: numpy h5py absl-py rich namex optree ml-dtypes packaging
transformers: numpy pyyaml regex requests tqdm tokenizers safetensors huggingface-hub filelock packaging
mlflow: numpy pandas scipy scikit-learn pyarrow matplotlib mlflow-skinny flask jinja2 sqlalchemy alembic docker gunicorn graphene markdown
mlflow-skinny: pyyaml requests cloudpickle click gitpython packaging protobuf sqlparse entrypoints pytz databricks-sdk pydantic
opencv-python: numpy ; opencv-python-headless: numpy ; pyarrow: numpy ; requests: urllib3 certifi idna charset-normalizer chardet
scikit-image: numpy scipy pillow networkx imageio tifffile packaging
nltk: regex click joblib tqdm ; gensim: numpy scipy smart-open
spacy: numpy requests pydantic jinja2 tqdm thinc srsly typer packaging setuptools
flask: werkzeug jinja2 click itsdangerous markupsafe blinker ; jinja2: markupsafe ; werkzeug: markupsafe
dask: pyyaml cloudpickle fsspec toolz packaging partd ; fastparquet: numpy pandas fsspec cramjam
prophet: numpy pandas matplotlib cmdstanpy holidays tqdm ; plotly: packaging narwhals ; polars:
python-dateutil: six ; pytz: ; pydantic: typing-extensions annotated-types pydantic-core
azureml-inference-server-http: flask flask-cors gunicorn inference-schema werkzeug pydantic pydantic-settings requests opencensus psutil
inference-schema: python-dateutil pytz wrapt ; applicationinsights: ; json-logging-py: ; configparser:
azureml-core: stand-in ; azureml-defaults: azureml-inference-server-http
azureml-sdk: stand-in ; azureml-contrib-services: azureml-inference-server-http
sentence-transformers: torch transformers numpy scipy scikit-learn tqdm huggingface-hub pillow nltk sentencepiece
"""

SERVER = ("azureml-inference-server-http",)  # always there: it is what serves
SERVED = ("azureml.contrib.services", "azureml_inference_server_http", "inference_schema", "azureml.core")  # azureml.core: a stand-in
_GONE = frozenset({"distutils", "imp", "asynchat", "asyncore", "smtpd", "cgi", "cgitb", "crypt", "pipes", "telnetlib", "uu", "xdrlib"})


def canonical(name: str) -> str:
    """PyPI's normal form of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _packages() -> dict[str, tuple[str, ...]]:
    pairs = (each.split("=") for each in _IMPORTS.split())
    return {name: tuple(packages.split("|")) for name, packages in pairs}


@cache
def _brings() -> dict[str, frozenset[str]]:
    entries = (each.partition(":") for line in _BRINGS.strip().splitlines() for each in line.split(" ; "))
    return {name.strip(): frozenset(brought.split()) for name, _, brought in entries}


def is_standard(module: str) -> bool:
    """Whether Python itself brings it, in some version."""
    top = module.split(".", maxsplit=1)[0]
    return top in sys.stdlib_module_names or top in _GONE or top in {"__main__", "builtins"}


def is_well_known(module: str) -> bool:
    """Whether we know which package brings it."""
    return _known(module) is not None or module.startswith(("azure.", "google."))


def packages_of(module: str) -> tuple[str, ...]:
    """The packages that may bring this module, the usual one first."""
    return _known(module) or (canonical(module if module.startswith(("azure.", "google.")) else module.split(".", maxsplit=1)[0]),)


def _known(module: str) -> tuple[str, ...] | None:
    return next((_packages()[prefix] for prefix in _prefixes(module) if prefix in _packages()), None)


def _prefixes(module: str) -> Iterator[str]:
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        yield ".".join(parts[:end])


class Provided:
    """Everything that can be imported once the environment file is installed and the server with it."""

    def __init__(self, environment: EnvironmentSpec) -> None:
        listed = {requirement.name for requirement in environment.requirements}
        self.packages = frozenset(_closure([*listed, *SERVER]))
        self.is_sure = all(name in _brings() for name in listed)  # we know what each of them brings

    def has(self, module: str) -> bool:
        """Whether some package brings it."""
        if module.startswith(SERVED) or is_standard(module):
            return True
        if not self.packages.isdisjoint(packages_of(module)):
            return True
        return any(canonical(prefix) in self.packages for prefix in _prefixes(module) if prefix not in {"azure", "google", "azureml"})


def _closure(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _brings().get(name, ())
    return found
