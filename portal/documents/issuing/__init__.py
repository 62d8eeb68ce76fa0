"""From the upload or the template to the issued file: approval, marks, seal."""
