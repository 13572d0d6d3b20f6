"""The doors: one Azure Functions app (Python v2 model), the same on the laptop and in Azure.

The worker scans this module for exactly one FunctionApp; the doors are Blueprints and never import `app` from here.
"""

from __future__ import annotations

import azure.functions as func

from function_app import on_event_grid, on_http, on_queue, on_timer, pages

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in (on_event_grid.bp, on_queue.bp, on_timer.bp, on_http.bp, pages.bp):
    app.register_functions(blueprint)
