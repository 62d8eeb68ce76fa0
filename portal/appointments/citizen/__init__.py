"""The pages of citizens: choose a service and a time, book, look after the appointment."""
