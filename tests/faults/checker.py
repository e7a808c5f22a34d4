"""Judges a finished crawl by what others saw: the web server's log, the export, `weft status`. It knows nothing of the fault."""
import collections

from cluster import Violation

CLOCK = 0.010  # seconds by which a timer may be early


def ledger_adds_up(told):
    ledger = told["ledger"]
    parts = ledger["queued"] + ledger["leased"] + ledger["done"] + sum(ledger["failed"].values()) + sum(ledger["refused"].values())
    if ledger["discovered"] != parts:
        raise Violation(f"the ledger does not add up: {ledger}")


def repeats(requests):
    """Requests beyond the first of each URL, robots.txt left out."""
    asked = collections.Counter((one.host, one.path) for one in requests if one.path != "/robots.txt")
    return sum(asked.values()) - len(asked)


def pauses(requests):
    """Seconds between the end of an answer and the begin of the next request to the host, whoever asks."""
    before = {}
    found = []
    for one in sorted(requests):
        if one.host in before:
            found.append((one.begin - before[one.host].end, before[one.host], one))
        before[one.host] = one
    return found


def impolite(requests, delay):
    """Pauses that were too short: a list of (seconds, request before, request)."""
    return [entry for entry in pauses(requests) if entry[0] < delay - CLOCK]


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def check(cluster, delay, again_at_most=None, other_ends=()):
    """The figures of a crawl that has ended well; raises Violation for the first promise that did not hold.

    `again_at_most`: how many requests may have been repeated. `other_ends`: URLs that may have ended without a page."""
    told = cluster.status()
    if told is None:
        raise Violation("no status after the end")
    ledger_adds_up(told)
    expected = {url: page for url, page in cluster.web.expected().items() if url not in other_ends}
    code, rows, said = cluster.export()
    if code != 0:
        raise Violation(f"export ended with {code}: {said[-1500:]}")
    exported = collections.Counter(row["url"] for row in rows)
    rows = [row for row in rows if row["url"] not in other_ends]
    lost = [url for url in expected if url not in exported]
    twice = [url for url, times in exported.items() if times > 1]
    foreign = [url for url in exported if url not in expected and url not in other_ends]
    wrong = [row["url"] for row in rows if row["url"] in expected and
             (row["status"], row["digest"]) != tuple(expected[row["url"]])]
    requests = cluster.requests()
    short = impolite(requests, delay)
    figures = {"pages": len(rows), "lost": len(lost), "twice": len(twice), "wrong_bytes": len(wrong),
               "again": repeats(requests), "again_at_most": again_at_most, "impolite": len(short),
               "failed": told["ledger"]["failed"]}
    problems = [f"{name} {len(found)}: {found[:3]}" for name, found in
                (("lost", lost), ("exported twice", twice), ("not of this web", foreign), ("wrong bytes", wrong),
                 ("too early", short)) if found]
    if told["ledger"]["failed"] and not other_ends:
        problems.append(f"failed: {told['ledger']['failed']}")
    if told["ledger"]["done"] != sum(exported.values()):
        problems.append(f"{told['ledger']['done']} done, {sum(exported.values())} exported")
    if any(one.path.startswith("/private/") for one in requests):
        problems.append("robots.txt was not obeyed")
    if again_at_most is not None and figures["again"] > again_at_most:
        problems.append(f"{figures['again']} requests repeated, {again_at_most} pages were unacknowledged")
    if problems:
        raise Violation("; ".join(problems) + f"; figures {figures}")
    return figures
