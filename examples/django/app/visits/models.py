from django.db import models


class Event(models.Model):
    kind = models.CharField(max_length=20)
    at = models.DateTimeField(auto_now_add=True)
