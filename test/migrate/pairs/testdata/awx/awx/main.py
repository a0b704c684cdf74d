print("awx")
