"""The counting of checks.sh, for stages in Python."""
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Checks:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.start = time.monotonic()

    def check(self, what, good, detail=""):
        """One line a check; `detail` is shown when it fails."""
        if good:
            self.passed += 1
            print("ok   " + what)
        else:
            self.failed += 1
            print("FAIL " + what)
            for line in str(detail).splitlines():
                print("     " + line)
        sys.stdout.flush()
        return bool(good)

    def skip(self, what, why):
        self.skipped += 1
        print("skip %s: %s" % (what, why), flush=True)

    def finish(self):
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped), flush=True)
        sys.exit(1 if self.failed else 0)
