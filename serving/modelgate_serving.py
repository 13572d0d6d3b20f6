"""This folder as a package under a name that no bundle uses: a module with a `__path__` is one.

The folder itself goes off `sys.path`, so that none of its file names (`entry`, `loader`, …) can be met by the user's imports.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
__path__ = [HERE]
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]
