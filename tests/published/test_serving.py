"""The fake behind a real socket."""

import httpx2
import pytest

from .checked import Checked
from .fake.app import KEY_ID, KEY_SECRET, Fake
from .serving import serving

STORES = "/v1/ControlPlane/Stores"


def test_a_lost_connection_is_lost(fake: Fake) -> None:
    fake.drop()
    with serving(Checked(fake)) as address, httpx2.Client(base_url=address, auth=(KEY_ID, KEY_SECRET)) as http:
        with pytest.raises(httpx2.RemoteProtocolError):
            http.get(STORES)
        again = http.get(STORES)

    assert again.json()["stores"] == []
