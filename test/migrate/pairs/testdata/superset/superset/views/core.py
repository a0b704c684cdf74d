views
