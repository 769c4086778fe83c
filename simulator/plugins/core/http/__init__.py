"""`io.kestra.plugin.core.http.*`: one client (client.py), its options, and the tasks on top of it."""
