"""What every test may ask for; and figures that tests tell (`record_property("told", sentence)`), shown at the end of the output."""

from typing import Any

from hypothesis import settings

settings.register_profile("no clock", deadline=None)  # how long an example takes says more of the machine than of the code
settings.load_profile("no clock")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests had to tell, and the sums of what they counted."""
    reports = [report for found in terminalreporter.stats.values() for report in found if getattr(report, "when", None) == "call"]
    properties = [pair for report in reports for pair in report.user_properties]
    told = [value for name, value in properties if name == "told"]
    if told:
        terminalreporter.section("figures")
        for sentence in told:
            terminalreporter.write_line(sentence)
    sums = {name: sum(value for other, value in properties if other == name) for name in ("seeds", "node-rounds")}
    if sums["seeds"]:
        terminalreporter.write_line(f"convergence in all: {sums['seeds']} seeds, {sums['node-rounds']} node-rounds")
