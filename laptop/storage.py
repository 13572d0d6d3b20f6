"""The laptop's own storage account, as far as it is needed: a PUT to a signed URL makes one new drop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from laptop.event_door import DoorReply, problem
from shared.adapters.local.addresses import BASE, CONTAINER, etag_of, path_of
from shared.adapters.local.home import Home, sync_folder
from shared.adapters.local.upload_urls import UploadRefused, check_upload
from shared.domain.errors import NotFound

LARGEST = 2 << 30  # bytes, the site's limit on archives
PREFIX = f"/storage/{CONTAINER}/"


class TooLarge(Exception):
    """More bytes came than a drop may have."""


class Storage:
    """`PUT /storage/model-drop/<name>?<signature>`: streamed to a temporary name, then made visible whole, never over an old drop."""

    def __init__(self, home: Home, largest: int = LARGEST) -> None:
        self._home = home
        self._largest = largest

    async def answer(self, request: Request, raw_path: str) -> DoorReply:
        """201 created, 403 not signed or expired, 409 there already, 413 too large."""
        if request.method != "PUT":
            return problem(405, "method_not_allowed", "A write URL takes one PUT.", "Send the archive with PUT.", {"Allow": "PUT"})
        quoted = raw_path[len(PREFIX) :]
        try:
            check_upload(self._home, unquote(quoted), dict(request.query_params), datetime.now(UTC))
            return await self._create(path_of(self._home, BASE + quoted), request)
        except (UploadRefused, NotFound) as error:
            return problem(403, "not_authorised", str(error), "Ask POST /api/uploads for a new write URL.")
        except FileExistsError:
            return problem(409, "already_there", "This write URL was used before.", "Ask POST /api/uploads for a new one.")
        except TooLarge:
            return problem(413, "too_large", f"A drop is at most {self._largest} bytes.", "Leave out what the model does not need.")
        except ClientDisconnect:
            return problem(400, "incomplete", "The upload ended before its end.", "Send it again.")

    async def _create(self, target: Path, request: Request) -> DoorReply:
        if await asyncio.to_thread(target.exists):
            raise FileExistsError(target)
        part = self._home.scratch("uploads") / f"{uuid.uuid4()}.part"
        try:
            await _write(part, request.stream(), self._largest)
            os.link(part, target)  # fails when the name is taken, whoever was first
            sync_folder(target.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
        return DoorReply(201, None, {"ETag": f'"{etag_of(target)}"'})


async def _write(part: Path, chunks: AsyncIterator[bytes], largest: int) -> None:
    written = 0
    with part.open("xb") as file:
        async for chunk in chunks:
            written += len(chunk)
            if written > largest:
                raise TooLarge
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
