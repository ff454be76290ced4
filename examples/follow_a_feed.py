"""Follow a podcast: ask its feed again and again, and print each episode that can be searched from now on.

    python examples/follow_a_feed.py LIBRARY https://example.org/feed 6

The number is the hours between two looks; without it the feed is asked once. The work is the command's: `playhead run`
fetches, transcribes and indexes what is new, and its `--json` says what it did. Exit status 1 is not an error here:
some episodes failed, and the next run tries them again.
"""

import json
import subprocess
import sys
import time


def look(library: str, feed: str) -> None:
    """One look. Raises SystemExit with the message of the command where it could not start."""
    command = ["playhead", "--library", library, "run", feed, "--json"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode not in (0, 1):
        raise SystemExit(ended.returncode)
    report = json.loads(ended.stdout)
    for episode in report["transcribed"] + report["published"]:
        print(f"new: {episode}", flush=True)
    for episode, failure in report["failed"].items():
        print(f"failed: {episode}: {failure['message']}", flush=True)


if __name__ == "__main__":
    library, feed, *hours = sys.argv[1:]
    look(library, feed)
    while hours:
        time.sleep(float(hours[0]) * 3600)
        look(library, feed)
