"""Loads that speak TLS: handshakes alone, and h2load."""

import re
import subprocess
from pathlib import Path

from rig.load import Served
from rig.setting import bench_program
from rig.tls import Tls


def handshakes(port: int, tls: Tls, clients: int, seconds: int, resumed: bool) -> Served:
    """A request of what is returned is a handshake."""
    done = subprocess.run(
        [bench_program("bench_handshakes"), str(port), str(clients), str(seconds),
         "resumed" if resumed else "full"],
        capture_output=True, text=True, timeout=seconds + 60, check=False, env=tls.environment())
    told = re.search(r"handshakes (\d+) resumed (\d+) failed (\d+) seconds ([\d.]+)", done.stdout)
    if told is None:
        raise RuntimeError(f"bench_handshakes: {done.stdout}{done.stderr}")
    count, again, failed = (int(told[i]) for i in (1, 2, 3))
    errors = f"{failed} failed" if failed else ""
    if again != (count if resumed else 0):
        errors += f"{again} of {count} resumed"
    return Served(count, count / float(told[4]), errors, {})


def h2load(port: int, tls: Tls, clients: int, streams: int, seconds: int,
           rate: int | None = None, log: Path | None = None) -> Served:
    """HTTP/2, by one thread. `rate`: requests a second of each client, else as fast as they are
    answered; `log`: a file of its own for each request, without which there are no latencies."""
    command = ["h2load", "-t1", f"-c{clients}", f"-m{streams}", f"-D{seconds}",
               f"--tls13-ciphers={tls.suite}", "--groups=X25519", "--npn-list=h2"]
    if rate is not None:
        command.append(f"--rps={rate}")
    if log is not None:
        command.append(f"--log-file={log}")
    done = subprocess.run([*command, f"https://127.0.0.1:{port}/"], capture_output=True, text=True,
                          timeout=seconds + 60, check=False)
    rate_told = re.search(r"^finished in [\d.]+s, ([\d.]+) req/s", done.stdout, re.MULTILINE)
    counts = re.search(r"^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout",
                       done.stdout, re.MULTILINE)
    if rate_told is None or counts is None or "Application protocol: h2\n" not in done.stdout:
        raise RuntimeError(f"h2load: {done.stdout}{done.stderr}")
    succeeded, *bad = (int(count) for count in counts.groups())
    errors = f"h2load: {counts[0]}" if any(bad) else ""
    return Served(succeeded, float(rate_told[1]), errors, _latency_in(log))


def _latency_in(log: Path | None) -> dict[str, float]:
    """Lines of h2load: when it began, the status, microseconds until the answer was whole."""
    if log is None:
        return {}
    taken = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    log.unlink()
    return {f"p{share}": taken[len(taken) * share // 100] / 1000 for share in (50, 99)}
