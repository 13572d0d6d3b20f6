"""Which function hears of which events: what the event subscriptions are on Azure, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Subscription:
    """Events of `event_type` go to `function`, if each key of `data` named in `only` has one of the values there."""

    name: str
    event_type: str
    function: str
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def wants(self, event: Mapping[str, Any]) -> bool:
        """Whether an event goes here; text is compared in any case, as Event Grid does."""
        if event["eventType"].lower() != self.event_type.lower():
            return False
        data = event.get("data") or {}
        return all(str(data.get(key, "")).lower() in {value.lower() for value in values} for key, values in self.only.items())


# On Azure other calls than these come before the blob is whole.
COMMITTED = {"api": ("PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose")}

SUBSCRIPTIONS = (
    Subscription("bundle-uploaded", "Microsoft.Storage.BlobCreated", "bundle_uploaded", COMMITTED),
    Subscription("model-registered", "Microsoft.MachineLearningServices.ModelRegistered", "model_registered"),
    Subscription("image-pushed", "Microsoft.ContainerRegistry.ImagePushed", "image_pushed"),
    Subscription("run-completed", "Microsoft.MachineLearningServices.RunCompleted", "run_completed"),
    Subscription("run-status-changed", "Microsoft.MachineLearningServices.RunStatusChanged", "run_status_changed"),
    Subscription("drift-detected", "Microsoft.MachineLearningServices.DatasetDriftDetected", "drift_detected"),
    Subscription("mail-delivery-reported", "Microsoft.Communication.EmailDeliveryReportReceived", "mail_delivery_reported"),
)
