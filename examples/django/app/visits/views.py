from django.shortcuts import render

from .models import Event
from .tasks import visit


def page(request):
    """Shows what the worker has recorded so far, and asks it to record this visit too."""
    recorded = {
        "visits": Event.objects.filter(kind="visit").count(),
        "ticks": Event.objects.filter(kind="tick").count(),
    }
    visit.delay()
    return render(request, "visits.html", recorded)
