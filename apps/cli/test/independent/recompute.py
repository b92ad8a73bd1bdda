"""Recomputes what a store claims, from the documents alone (docs/on-disk-format.md): no code of Holdfast is used.

usage: recompute.py STORE RUN WORKSPACE
Prints one JSON object with counts and a list of what does not hold; ends with 1 when that list is not empty.
"""
import hashlib
import json
import pathlib
import sys


def es_number(value):
    """ECMAScript's Number::toString, as RFC 8785 asks for."""
    if isinstance(value, int):
        value = float(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, _, exponent = ("%r" % abs(value)).partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = point - 1
    mantissa = digits[0] + ("." + digits[1:] if count > 1 else "")
    return sign + mantissa + "e" + ("+" if power >= 0 else "-") + str(abs(power))


SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def es_string(text):
    return '"' + "".join(SHORT.get(c) or ("\\u%04x" % ord(c) if ord(c) < 0x20 else c) for c in text) + '"'


def jcs(value):
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return es_string(value)
    if isinstance(value, (int, float)):
        return es_number(value)
    if isinstance(value, list):
        return "[" + ",".join(jcs(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(es_string(name) + ":" + jcs(value[name]) for name in names) + "}"


def sha256(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode("utf-8")).hexdigest()


def main(store, run, workspace):
    problems = []
    folder = store / "runs" / run
    lines = (folder / "ledger.ndjson").read_bytes().split(b"\n")
    if lines.pop() != b"":
        problems.append("the ledger does not end with a newline")
    messages = []
    previous = "0" * 64
    for number, raw in enumerate(lines, 1):
        message = json.loads(raw)
        chain = message.pop("chain")
        if message["seq"] != number:
            problems.append(f"line {number}: seq is {message['seq']}")
        previous = sha256(previous + "\n" + jcs(message))
        if previous != chain:
            problems.append(f"line {number}: chain is {chain}, recomputed {previous}")
            previous = chain
        messages.append(message)

    commands = {}
    snapshots = set()
    for message in messages:
        if message["kind"] != "command":
            continue
        commands[message["message_id"]] = message
        snapshot = message["version"]["snapshot_id"]
        snapshots.add(snapshot)
        parts = [message["action"], message["task_id"], snapshot, jcs(message["inputs"]), jcs(message["expected_outputs"])]
        key = "ik:" + sha256("\n".join(parts))
        if key != message["idempotency_key"]:
            problems.append(f"command {message['message_id']}: key is {message['idempotency_key']}, recomputed {key}")

    for snapshot in sorted(snapshots):
        manifest = json.loads((store / "snapshots" / f"{snapshot}.manifest.json").read_text("utf-8"))
        files = [{"path": f["path"], "sha256": f["sha256"], "size": f["size"]} for f in manifest["files"]]
        files.sort(key=lambda f: f["path"].encode("utf-16-be"))
        identity = "snap-" + sha256(jcs(files))[:12]
        if identity != snapshot or manifest["snapshot_id"] != snapshot:
            problems.append(f"snapshot {snapshot}: recomputed {identity}")

    receipts = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("receipts/*/step-*.json"))]
    receipts.sort(key=lambda receipt: receipt["step"])
    events = {m["message_id"]: m for m in messages if m["kind"] == "event"}
    latest = {}
    for receipt in receipts:
        command = commands.get(receipt["command_message_id"])
        if command is None or command["idempotency_key"] != receipt["idempotency_key"]:
            problems.append(f"receipt of step {receipt['step']}: its command is not in the ledger under that key")
        for event in receipt["events"]:
            if event not in events or events[event]["correlation_id"] != receipt["correlation_id"]:
                problems.append(f"receipt of step {receipt['step']}: event {event} is not in the ledger")
        for artifact in receipt["artifacts"]:
            latest[artifact["path"]] = artifact
    for path, artifact in sorted(latest.items()):
        data = (workspace / path).read_bytes()
        if "sha256:" + sha256(data) != artifact["sha256"] or len(data) != artifact["size"]:
            problems.append(f"artifact {path}: differs from its receipt")

    state = json.loads((folder / "run.json").read_text("utf-8"))
    print(json.dumps({
        "status": state["status"],
        "lines": len(lines),
        "commands": len(commands),
        "snapshots": len(snapshots),
        "receipts": len(receipts),
        "artifacts": len(latest),
        "problems": problems,
    }))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))))
