"""Plans of statements, of those that were seen running and of those that people type in. What is typed in passes a gate
and then runs as a login that may do next to nothing: either alone has to be enough."""
