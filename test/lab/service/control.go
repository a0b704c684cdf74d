package service

import "net/http"

// Control is how tests stop and start services: POST /NAME/stop, /NAME/start
// and /NAME/reset do what the methods do. The answer is 204 when it is done,
// or 500 with the reason.
func Control(services ...*Service) http.Handler {
	mux := http.NewServeMux()
	for _, s := range services {
		for action, do := range map[string]func(*http.Request) error{
			"stop":  func(*http.Request) error { return s.Stop() },
			"start": func(r *http.Request) error { return s.Start(r.Context()) },
			"reset": func(r *http.Request) error { return s.Reset(r.Context()) },
		} {
			mux.HandleFunc("POST /"+s.Name()+"/"+action, func(w http.ResponseWriter, r *http.Request) {
				if err := do(r); err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				w.WriteHeader(http.StatusNoContent)
			})
		}
	}
	return mux
}
