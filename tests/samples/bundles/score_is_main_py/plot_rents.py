"""Not for scoring: no init, no run."""
import csv


def main():
    with open("holdout.csv", newline="") as file:
        for row in csv.DictReader(file):
            print("#" * int(float(row["rent"]) / 20))


if __name__ == "__main__":
    main()
