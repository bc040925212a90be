import json, pathlib, subprocess, sys  # python3 docs/echo_bot.py CURSOR_FILE sotto rpc --data bot --node ADDRESS
place, sotto = pathlib.Path(sys.argv[1]), subprocess.Popen(sys.argv[2:], stdin=-1, stdout=-1, encoding="utf-8")
def call(method, **params):
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), file=sotto.stdin, flush=True)
    return json.loads(sotto.stdout.readline())["result"]
call("account") or call("account_create", name="Echo")
print((call("invites")["invites"] or [call("invite")])[0]["link"], flush=True)
while True:
    for contact in [c for c in call("contacts")["contacts"] if c["state"] == "incoming"]:
        call("contact_answer", contact=contact["id"], action="accept")
    after = int(place.read_text() or 0) if place.exists() else 0
    for one in call("incoming", after=after, limit=100)["incoming"] or call("next_events", max=99, wait_ms=60000)["events"]:
        if "arrival" in one:  # answering the same message twice sends one answer, so this may be cut off anywhere
            call("answer", arrival=one["arrival"], text=one["message"]["text"] or "?")
            place.write_text(str(one["arrival"]))
