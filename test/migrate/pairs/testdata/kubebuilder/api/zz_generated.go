package api // zz
