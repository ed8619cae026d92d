"""Keeps of a stub's log what the replay needs: convert.py LOG > exchanges.jsonl"""
import json
import sys

for line in open(sys.argv[1], encoding="utf-8"):
    seen = json.loads(line)
    if seen["svc"] == "api":
        kept = {"method": seen["method"], "target": seen["target"], "body": seen["body"], "code": seen["code"], "answer": seen["resp"]}
        print(json.dumps(kept, separators=(",", ":")))
