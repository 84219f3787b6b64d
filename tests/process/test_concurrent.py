"""Several hosts run a server each on one data folder: nothing is lost, and one customer is one profile."""

from contextlib import ExitStack

from .servers import Home, Stdio, batch, ids_of, new_profile, stdio_server, structured, timeline

SPELLINGS = ("+1 (317) 555-0142", "+13175550142", "(317) 555-0142", "317.555.0142")


def start(home: Home, number: int, stack: ExitStack) -> list[Stdio]:
    """All at once: the handshakes begin when every process has been started."""
    servers = [stack.enter_context(stdio_server(home, greeted=False)) for _ in range(number)]
    for server in servers:
        server.hand_shake()
    return servers


def test_three_servers_started_at_once_on_a_new_folder_share_one_store(home: Home) -> None:
    with ExitStack() as stack:
        servers = start(home, 3, stack)
        asked = [server.ask("resources/read", {"uri": "memory://store"}) for server in servers]
        answers = [server.answer(request) for server, request in zip(servers, asked, strict=True)]
        profile_id = new_profile(servers[0])
        found = [server.call("lookup_profile", value=SPELLINGS[0])["profile_id"] for server in servers]

    texts = {answer["result"]["contents"][0]["text"] for answer in answers}
    assert len(texts) == 1
    assert found == [profile_id] * 3
    assert len(list((home.data / "stores").glob("*.db"))) == 1


def test_three_servers_writing_to_one_profile_lose_nothing(home: Home) -> None:
    with ExitStack() as stack:
        servers = start(home, 3, stack)
        profile_id = new_profile(servers[0])
        notes, facts = [], []
        for round in range(12):
            for number, server in enumerate(servers):
                said = [f"Sentence {n} of batch {round} from server {number}" for n in range(3)]
                notes.append((server, server.ask_tool("add_observation", batch(profile_id, said))))
                traits = {f"Server{number}": {f"trait{round}": f"value {round}"}}
                facts.append((server, server.ask_tool("upsert_traits", {"profile_id": profile_id, "traits": traits})))
        acknowledged = [id for server, request in notes for id in ids_of(structured(server.answer(request)))]
        outcomes = {structured(server.answer(request))["outcome"] for server, request in facts}
        stored = timeline(servers[2], profile_id)
        profile = servers[1].call("lookup_profile", profile_id=profile_id)

    assert outcomes == {"updated"}
    assert len(set(acknowledged)) == len(acknowledged) == 3 * 12 * 3
    assert sorted(item["id"] for item in stored) == sorted(acknowledged)
    assert profile["counts"]["observations"] == len(acknowledged)
    for number in range(3):
        assert profile["traits"][f"Server{number}"] == {f"trait{n}": f"value {n}" for n in range(12)}


def test_sixteen_creators_of_one_phone_number_make_one_profile(home: Home) -> None:
    with ExitStack() as stack:
        servers = start(home, 4, stack)
        asked = [
            (server, server.ask_tool("upsert_traits", {"traits": {"Contact": {"phone": spelling}}}))
            for spelling in SPELLINGS
            for server in servers
        ]
        made = [structured(server.answer(request)) for server, request in asked]

    assert len({one["profile_id"] for one in made}) == 1
    assert sorted(one["outcome"] for one in made) == ["created"] + ["updated"] * 15
