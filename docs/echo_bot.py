import json, subprocess, sys  # python3 docs/echo_bot.py sotto rpc --data bot --node ADDRESS
sotto = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
def call(method, **params):
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), file=sotto.stdin, flush=True)
    return json.loads(sotto.stdout.readline())["result"]
call("account") or call("account_create", name="Echo")
print(call("invite")["link"], flush=True)
while call("next_events", max=100, wait_ms=60000):
    for contact in [c for c in call("contacts")["contacts"] if c["state"] == "incoming"]:
        call("contact_answer", contact=contact["id"], action="accept")
    for talk in call("conversations", limit=100)["conversations"]:
        page = call("messages", conversation=talk["id"], limit=100)["messages"]
        for message in [m for m in page if m["state"] == "received"][::-1]:
            call("send", conversation=talk["id"], text=message["text"] or "?")
            call("mark_read", conversation=talk["id"], message=message["id"])
