from django.shortcuts import render

from .models import Event
from .tasks import visit


def page(request):
    """Shows what the worker has recorded, and asks it to record this visit too."""
    visit.delay()
    return render(request, "visits.html", {
        "visits": Event.objects.filter(kind="visit").count(),
        "ticks": Event.objects.filter(kind="tick").count(),
    })
