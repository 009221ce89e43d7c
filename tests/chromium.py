"""Where the system's Chromium is: the tests in a browser use that one, never a download of Playwright's."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ELSEWHERE = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)


def find_chromium():
    """Its path; None without one."""
    places = [os.environ.get("WIREWATCH_CHROMIUM"), *NAMES, *ELSEWHERE]
    return next((found for place in places if place and (found := shutil.which(place))), None)
