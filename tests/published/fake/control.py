"""What the control plane's writes have in common: versions that must match, and operations that tell how it went."""

import base64
import json
from collections.abc import Callable

from .call import Call, Reply
from .refusals import Refusal
from .state import Json, stamp
from .trouble import REFUSALS

PROBLEM = "https://www.twilio.com/docs/api/errors/"


def etag(of: str, version: int) -> str:
    return f'"{base64.urlsafe_b64encode(json.dumps({"id": of, "v": version}).encode()).decode().rstrip("=")}"'


def check_version(call: Call, of: str, version: int) -> None:
    wanted = call.headers.get("if-match")
    if wanted is not None and wanted not in ("*", etag(of, version)):
        raise Refusal(412, 520043, "If-Match does not name the current version")


def operation(call: Call, message: str, effect: Callable[[], str]) -> Reply:
    """Accepted. Only the result of the operation says which resource it was: `effect` returns its id."""
    id = call.new_id("mem_operation")
    url = f"{call.base}/v1/ControlPlane/Operations/{id}"
    status: Json = {"operationId": id, "status": "PENDING", "createdAt": call.now, "statusUrl": url}
    call.account.operations[id] = status

    def run() -> None:
        try:
            if call.doomed:
                raise REFUSALS[500]
            result = effect()
        except Refusal as refusal:
            status.update(status="FAILED", completedAt=stamp(call.at), error=_problem(refusal))
        else:
            status.update(status="COMPLETED", completedAt=stamp(call.at), result={"type": "RESOURCE_ID", "id": result})

    call.later(run)
    body = {"message": message} if call.spare else {"message": message, "statusUrl": url}
    return Reply(202, body, {"Operation-Id": id, "Location": url, "Retry-After": "1"})


def _problem(refusal: Refusal) -> Json:
    return {
        "type": f"{PROBLEM}{refusal.code}",
        "title": "The operation failed",
        "code": refusal.code,
        "detail": refusal.message,
    }
