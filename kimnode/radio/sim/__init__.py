"""A simulated mesh of virtual Meshtastic radios: real TCP (or serial) ports, one seeded ether.

Each radio speaks the device side of the client protocol as firmware 2.7.26 does (SCENARIOS.md says
how closely, scenario by scenario), encrypts for real, and lives on virtual time.

With real clients, at any speed (the clock is the one the node under test uses):

    async with SimVillage(["gerbang", "bukit", "sawah"], seed=7, clock=Clock(speed=20)) as village:
        address = f"tcp:127.0.0.1:{village.port('gerbang')}"   # one client per radio
        bukit, gerbang = village.device("bukit"), village.device("gerbang")
        bukit.say("halo")                       # a person types on that radio: to all
        packet_id = bukit.dm(gerbang.num, "hanya untukmu")
        bukit.shown                             # texts on its screen: Shown(sender, text, ...)
        bukit.outcomes                          # Outcome(packet_id, by, error) of what it typed

Without clients, faster than real time and repeatable to the bit:

    village = SimVillage(4, seed=1)             # radios R1..R4
    village.device("R1").say("halo")
    village.timeline.run_until(60)              # virtual seconds
    village.air.log                             # every tx, rx, loss, collision
    village.air.airtime_ms(by=village.device("R1").num)

Who hears whom (default: all): `village.line("R1", "R2", "R3")`,
`village.partition(["R1"], ["R2"])`, `village.partition()` heals, `village.air.loss = 0.3`,
`village.air.set_link(a, b, heard=False)`,
`village.air.place(num, x_km, y_km)`.

Faults (seconds are virtual): `device.drop_client()`, `village.refuse("R1", 10)`,
`device.reboot(down_s=0.5)`, `device.power_off()` / `power_on()`, `device.wedge(120)`,
`device.garbage(b"...")`, `device.faults.no_space = True` (free = 0 for ever),
`device.faults.lose_statuses = True`. Serial: `port = village.serial_port("R1")`, open `port.path`,
`port.unplug()`, `port.plug()`.
"""
