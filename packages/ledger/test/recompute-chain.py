"""Recomputes the chain of a ledger from the file and the documents alone: prints the place of the last good line."""
import hashlib
import json
import sys


def number(value):
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    value = float(value)
    if value == 0:
        return "0"
    sign, value = ("-", -value) if value < 0 else ("", value)
    mantissa, _, exponent = ("%r" % value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits) if whole.strip("0") == "" else 0
    digits = digits.rstrip("0") or "0"
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = point - 1
    mark = "e+" if power >= 0 else "e-"
    return sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + mark + str(abs(power))


def text(value):
    return json.dumps(value, ensure_ascii=False)


def jcs(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(text(name) + ":" + jcs(value[name]) for name in names) + "}"


chain = "0" * 64
count = 0
with open(sys.argv[1], "rb") as file:
    for raw in file:
        line = json.loads(raw.decode("utf-8"))
        stated = line.pop("chain")
        chain = hashlib.sha256((chain + "\n" + jcs(line)).encode("utf-8")).hexdigest()
        if chain != stated or line["seq"] != count + 1:
            print(json.dumps({"bad": count + 1, "expected": chain, "stated": stated, "jcs": jcs(line)}))
            sys.exit(1)
        count += 1
print(json.dumps({"lines": count, "chain": chain}))
