"""Packs model code and weights into the archives that the server registers.

An archive is what TorchServe 0.12 calls a `.mar`: the model's files at the top and
`MAR-INF/MANIFEST.json` that names them. The same input always gives the same bytes.
Nothing here imports or runs the code that it packs.
"""
