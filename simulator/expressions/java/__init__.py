"""What Java does and Python does differently: classes, text forms, hash order, dates, numbers, patterns.

Pure helpers: nothing here knows of templates, scopes or the engine, and nothing raises outside ValueError kin
(`JavaError` carries the name of the Java exception and its message).
"""
