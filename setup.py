"""Compile the kernel where a C compiler is; without one the package works, only slower."""

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNEL = Extension("matching.kernel", ["matching/kernel.py"], optional=True)

setup(ext_modules=cythonize([KERNEL], language_level=3))
