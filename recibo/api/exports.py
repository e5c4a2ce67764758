"""`/api/{gateway}/export`: rows as a file; `/api/exports/{id}`: those that a worker writes."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Path, Router, Status

from recibo.api.authentication import actor_of
from recibo.api.errors import ANSWERS, ApiError
from recibo.api.filters import GatewayPart
from recibo.api.schemas import ExportRequest, ExportRow
from recibo.operations import exports
from recibo.operations.models import Export

router = Router(tags=["exports"])

CONTENT_TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.JSONL: "application/jsonl; charset=utf-8",
}
#: A file as an answer, for the documentation.
FILE: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The file",
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string"}}
                for kind in CONTENT_TYPES.values()
            },
        }
    }
}


@router.post(
    "/{gateway}/export",
    response={200: None, 202: ExportRow, **ANSWERS},
    openapi_extra=FILE,
    summary="Take rows out as a file",
)
def export(request: HttpRequest, gateway: Path[GatewayPart], wish: ExportRequest) -> Any:
    """200: the file itself. 202: there are more than 50,000 rows, or a job was asked for; a worker
    writes it, and `/api/exports/{id}` says when it is there.
    """
    style, actor = wish.style(), actor_of(request)
    if wish.as_job or exports.is_large(wish.kind, gateway):
        return Status(202, exports.queue(wish.kind, gateway, style, actor=actor))
    exports.tell(wish.kind, gateway, actor=actor)
    name = f"{wish.kind}.{wish.format}"
    return streamed(request, exports.pieces(wish.kind, gateway, style), style.format, name)


@router.get(
    "/exports/{int:export_id}", response={200: ExportRow, **ANSWERS}, summary="Show an export"
)
def detail(request: HttpRequest, export_id: int) -> Export:
    """Files are kept for 24 hours."""
    if (found := Export.objects.filter(pk=export_id).first()) is None:
        raise ApiError(404)
    return found


@router.get(
    "/exports/{int:export_id}/file",
    response={200: None, **ANSWERS},
    openapi_extra=FILE,
    summary="Fetch an export's file",
)
def file(request: HttpRequest, export_id: int) -> Any:
    """Not found until it is written, and after it is deleted."""
    found = detail(request, export_id)
    if (opened := exports.opened(found)) is None:
        raise ApiError(404)
    name = exports.place(found).name
    return streamed(request, exports.chunks(opened), found.format, name)


def streamed(
    request: HttpRequest, content: Iterator[bytes], kind: str, name: str
) -> StreamingHttpResponse:
    """An answer that is sent while it is made: it is never whole in memory."""
    response = StreamingHttpResponse(
        in_turn(content) if isinstance(request, ASGIRequest) else content,
        content_type=CONTENT_TYPES[Export.Format(kind)],
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def in_turn(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same for an asynchronous server, which would read a plain iterator to its end first."""
    while (piece := await sync_to_async(lambda: next(content, None))()) is not None:
        yield piece
