(* a lens *)
