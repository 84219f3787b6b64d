"""What the server weighs: in the model's context, in memory, on disk."""

from . import machine
from .client import running
from .lab import Lab
from .memories import Writer
from .report import Row, all_met, shown, within

CHARACTERS_PER_TOKEN = 4


async def tools_list(lab: Lab) -> list[Row]:
    async with running(lab.path("tools")) as server:
        listed = await server.client.list_tools()
        characters = len(server.last_line)
    tokens = -(-characters // CHARACTERS_PER_TOKEN)
    measured = f"{tokens:,} tokens ({characters:,} characters on the wire, {len(listed.tools)} tools)"
    return [
        Row(
            measure="tools/list",
            measured=measured,
            target="<= 3,000 tokens",
            met=tokens <= 3_000,
            numbers={"tokens": tokens, "characters": characters, "tools": len(listed.tools)},
        )
    ]


async def memory(lab: Lab) -> list[Row]:
    store = await lab.sized()
    writer, largest = Writer(seed=11), max(store.profiles)
    questions = writer.questions()
    async with running(store.folder) as server:
        await server.client.list_tools()
        idle = server.resident_mb
        other = await server.profile("+13175550101")
        for _ in range(30):
            new = [{"content": writer.sentence()[0]}]
            await server.call("add_observation", profile_id=other, observations=new)
            await server.call("recall", profile_id=store.profiles[1_000], query=next(questions))
        loaded = server.resident_mb
        for _ in range(10):
            await server.call(
                "recall", profile_id=store.profiles[largest], query=next(questions), observations_limit=100
            )
        most = server.resident_mb
    measured = f"{shown(idle, 'MB')} / {shown(loaded, 'MB')}; {shown(most, 'MB')} after recalls at {largest:,}"
    met = all_met(within(idle, 90), within(loaded, 220))
    return [
        Row(
            measure="RSS idle / with the model",
            measured=measured,
            target="<= 90 / <= 220 MB",
            met=met,
            numbers={"idle_mb": idle, "loaded_mb": loaded, "most_mb": most, "largest": largest},
        )
    ]


async def installed_size(lab: Lab) -> list[Row]:
    sizes = machine.installed_bytes()
    total = sum(sizes.values()) / machine.MEGA
    heaviest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:4]
    parts = ", ".join(f"{name} {sizes[name] / machine.MEGA:.0f}" for name in heaviest)
    return [
        Row(
            measure="installed size with the model",
            measured=f"{total:.0f} MB in {len(sizes)} packages ({parts})",
            target="<= 260 MB",
            met=total <= 260,
            numbers={"mb": total, "packages": len(sizes)},
        )
    ]
