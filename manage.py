#!/usr/bin/env python3
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbackend.settings")
    if sys.argv[1:2] == ["up"]:
        os.environ.setdefault("CHATBACKEND_EMBEDDED", "1")  # settings are read before the command runs
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
