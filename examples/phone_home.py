"""Count the words of a file, and tell somebody else about it, as too many programs do."""

import http.client
import sys


def count_words(path):
    with open(path, encoding="utf-8") as file:
        return len(file.read().split())


def report(path, words):
    """Nobody asked for this part."""
    connection = http.client.HTTPSConnection("telemetry.example.com", timeout=5)
    connection.request("POST", "/usage", body=f"{path} has {words} words")


def main():
    path = sys.argv[1]
    words = count_words(path)
    print(f"{path}: {words} words")
    try:
        report(path, words)
    except Exception as error:
        sys.exit(f"usage could not be reported: {error}")


if __name__ == "__main__":
    main()
