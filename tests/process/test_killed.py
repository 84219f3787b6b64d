"""What was acknowledged is there after kill -9, and no write is half there."""

import random
import threading
from collections import Counter

import pytest

from .servers import Home, Stdio, batch, ids_of, new_profile, stdio_server, structured, timeline, until

KILLS = 12
IN_FLIGHT = 6


def test_what_was_acknowledged_survives_kill_minus_nine(home: Home) -> None:
    dice = random.Random(20261121)
    acknowledged: set[str] = set()
    sizes: dict[str, int] = {}
    with stdio_server(home) as server:
        profile_id = new_profile(server)

    for kill in range(KILLS):
        with stdio_server(home) as server:
            assert acknowledged <= {item["id"] for item in timeline(server, profile_id)}
            acknowledged |= write_until_killed(server, profile_id, f"kill {kill}", sizes, dice)

    with stdio_server(home) as server:
        items = timeline(server, profile_id)
    seen = Counter(item["content"].split(":")[0] for item in items)
    assert acknowledged <= {item["id"] for item in items}
    assert 0 < len(acknowledged) < sum(sizes.values())  # or the kills came too early, or too late, to prove a thing
    assert len({item["id"] for item in items}) == len(items)
    assert {name: number for name, number in seen.items() if number != sizes[name]} == {}
    assert home.run("doctor", "--data-dir", str(home.data)).returncode == 0


def write_until_killed(
    server: Stdio, profile_id: str, name: str, sizes: dict[str, int], dice: random.Random
) -> set[str]:
    """Keeps several batches in flight until a random number of them is acknowledged. Returns all ids acknowledged."""
    asked: list[int] = []
    before = len(server.answered())
    wanted = dice.randrange(8)
    for number in range(wanted + IN_FLIGHT):
        batch_name, size = f"{name} batch {number}", dice.randint(1, 5)
        sizes[batch_name] = size
        server.wait_for_answers(before + number - IN_FLIGHT)
        asked.append(
            server.ask_tool(
                "add_observation",
                batch(profile_id, [f"{batch_name}: sentence {n} of what the customer said" for n in range(size)]),
            )
        )
    server.wait_for_answers(before + wanted)
    # An answer comes right after a commit. This wait is for nothing: it is the random moment within the next ones.
    threading.Event().wait(dice.uniform(0, 0.02))
    server.kill()
    answered = server.answered()
    return {id for request in asked if request in answered for id in ids_of(structured(answered[request]))}


@pytest.mark.parametrize("moment", ["catalog.db", "catalog.db-wal", "stores/*.db-wal"])
def test_a_store_whose_making_was_cut_short_is_finished_by_the_next_server(home: Home, moment: str) -> None:
    with stdio_server(home) as server:
        server.ask_tool("lookup_profile", {"value": "+13175550142"})
        until(lambda: any(home.data.glob(moment)))
        server.kill()

    with stdio_server(home) as server:
        profile_id = new_profile(server)
        added = server.call("add_observation", **batch(profile_id, ["Wants delivery to the office"]))
        found = timeline(server, profile_id)

    assert [item["id"] for item in found] == ids_of(added)
