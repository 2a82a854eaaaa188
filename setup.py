"""Compile the kernel where a C compiler is; without one the package works, only slower."""

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNEL = Extension("matching.kernel", ["matching/kernel.py"])

extensions = cythonize([KERNEL], language_level=3)
for extension in extensions:
    extension.optional = True  # said here, since cythonize makes extensions of its own

setup(ext_modules=extensions)
