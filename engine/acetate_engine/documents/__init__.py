"""Layered documents on disk. numpy, Pillow and psd-tools; no torch.

tree        LayeredDocument and its layers             what every format is read into
blending    Blend → its function                       W3C compositing, Photoshop's and Krita's additions
flatten     layers → pixels of a region                straight sRGB
reader      path → LayeredDocument                     PSD, PSB, ORA, KRA, PNG, WebP
writer      LayeredDocument → path                     PSD, PSB, ORA, PNG, WebP, folder of PNGs
psd_edit    new layers into an existing PSD            every other byte of it stays
"""
