"""Finders on `sys.meta_path`: modules that stand in for what is not installed, and MLflow with its logging replaced."""
# ruff: noqa: ARG002, D102 - finders and loaders are called by the import system with what they need or not

import importlib.abc
import importlib.machinery
import sys
import types

from . import azureml_core, reported

# The server imports these to send logs to Application Insights, at a third of its start time. Without a key it never calls them.
TELEMETRY = ("azure.monitor.opentelemetry.exporter", "opencensus.ext.azure.log_exporter", "opencensus.ext.azure.trace_exporter")


class _Given(importlib.abc.Loader):
    """Loads a module that is already made."""

    def __init__(self, module):
        self.module = module

    def create_module(self, _spec):
        return self.module

    def exec_module(self, module):
        pass


def _given(name, module):
    return importlib.machinery.ModuleSpec(name, _Given(module), is_package=hasattr(module, "__path__"))


class Missing(importlib.abc.MetaPathFinder):
    """Stands last: asked only for what nobody else has."""

    def __init__(self, kept):
        self.kept = kept

    def find_spec(self, name, path=None, target=None):
        if name == "mlflow":
            return _given(name, reported.stand_in(self.kept))
        if name.startswith("azureml.contrib.services"):
            return _services(name)
        if name in ("azureml", "azureml.contrib") or (name + ".").startswith("azureml.core."):
            return _given(name, azureml_core.module(name, reported.Run(self.kept)))
        return None


def _services(name):
    """`azureml.contrib.services.aml_request` comes with the server's package."""
    server = "azureml_inference_server_http.api."
    last = name.rsplit(".", 1)[-1]
    if last in ("aml_request", "aml_response"):
        __import__(server + last)
        return _given(name, sys.modules[server + last])
    package = types.ModuleType(name)
    package.__path__ = []
    return _given(name, package)


class Mlflow(importlib.abc.MetaPathFinder):
    """Stands first: lets the real MLflow load, then replaces what would talk to a tracking server."""

    def __init__(self, kept):
        self.kept = kept

    def find_spec(self, name, path=None, target=None):
        if name != "mlflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Replacing(spec.loader, reported.functions(self.kept))
        return spec


class _Replacing(importlib.abc.Loader):
    def __init__(self, loader, names):
        self.loader = loader
        self.names = names

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self.loader  # importlib.resources must meet the real one
        self.loader.exec_module(module)
        vars(module).update(self.names)


class Telemetry(importlib.abc.MetaPathFinder):
    """Stands first while the server is imported, and is gone before the user's code is."""

    def find_spec(self, name, path=None, target=None):
        return _given(name, _silent(name)) if name in TELEMETRY else None


def _silent(name):
    module = types.ModuleType(name)

    def any_class(attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return type(attribute, (), {})

    module.__getattr__ = any_class
    return module


def install(kept):
    """Put the stand-ins for the user's code in place; `kept` collects figures."""
    sys.meta_path.insert(0, Mlflow(kept))
    sys.meta_path.append(Missing(kept))


def silence_telemetry():
    """Spare the server the import of its exporters."""
    sys.meta_path.insert(0, Telemetry())


def allow_telemetry():
    """The user's code may import the real ones."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Telemetry)]
    for name in TELEMETRY:
        module = sys.modules.get(name)
        if module is not None and isinstance(getattr(module.__spec__, "loader", None), _Given):
            del sys.modules[name]
            parent, _, last = name.rpartition(".")
            vars(sys.modules[parent]).pop(last, None)
