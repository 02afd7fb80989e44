"""Reading what other chat servers export. Nothing here knows our database: files in, a `Spool` out."""
