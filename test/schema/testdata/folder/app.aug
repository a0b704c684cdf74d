module App =
  let lns = IniFile.lns_loose
