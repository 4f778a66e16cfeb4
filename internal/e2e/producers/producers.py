"""Makes zips with Python's zipfile, and extracts them.

python3 producers.py make METHOD DIRECTORY OUT   (OUT may be a pipe, "-")
python3 producers.py zipapp PROGRAM OUT
python3 producers.py extract ZIP DIRECTORY
"""
import os
import sys
import zipapp
import zipfile


def make(method, directory, out):
    target = sys.stdout.buffer if out == "-" else out
    with zipfile.ZipFile(target, "w", getattr(zipfile, method)) as z:
        for parent, directories, files in os.walk(directory):
            directories.sort()
            for name in sorted(directories + files):
                path = os.path.join(parent, name)
                stored = os.path.relpath(path, directory)
                if os.path.islink(path):
                    info = zipfile.ZipInfo(stored)
                    info.create_system = 3
                    info.external_attr = 0o120777 << 16
                    z.writestr(info, os.fsencode(os.readlink(path)))
                elif os.path.isdir(path):
                    z.write(path, stored)
                else:
                    info = zipfile.ZipInfo.from_file(path, stored)
                    info.compress_type = getattr(zipfile, method)
                    with open(path, "rb") as f, z.open(info, "w", force_zip64=len(name) % 2 == 0) as w:
                        w.write(f.read())


def extract(path, directory):
    # Names without the flag for UTF-8 are most often UTF-8 all the same.
    try:
        z = zipfile.ZipFile(path, metadata_encoding="utf-8")
    except UnicodeDecodeError:
        z = zipfile.ZipFile(path)
    with z:
        z.extractall(directory)


command, *rest = sys.argv[1:]
if command == "make":
    make(*rest)
elif command == "zipapp":
    zipapp.create_archive(rest[0], rest[1], interpreter="/usr/bin/env python3", main="app:main")
elif command == "extract":
    extract(*rest)
else:
    sys.exit(__doc__)
