"""Everything a radio keeps in flash except its node list: owner, config sections, channels.

Defaults are those of firmware 2.7.26 (native build) as its config dump shows them; sections are
protobufs, so an admin message replaces one whole, as in the firmware.
"""

from dataclasses import dataclass, field

from meshtastic.protobuf import channel_pb2, config_pb2, localonly_pb2, mesh_pb2, module_config_pb2

from kimnode.radio.sim.crypto import KeyPair
from kimnode.radio.sim.frame import Tuning
from kimnode.rules.lora import PRESETS, slot_centre_mhz

CHANNELS = 8
FIRMWARE = "2.7.26.54e0d8d"
EXCLUDED_MODULES = 13632
POSITION_FLAGS = 811
REGIONS_MHZ = {  # start, end (RadioInterface.cpp); only what a village could choose
    "KR": (920.0, 923.0),
    "SG_923": (917.0, 925.0),
    "TH": (920.0, 925.0),
    "TW": (920.0, 925.0),
    "MY_919": (919.0, 924.0),
    "ANZ": (915.0, 928.0),
    "US": (902.0, 928.0),
    "EU_868": (869.4, 869.65),
    "IN": (865.0, 867.0),
    "JP": (920.5, 923.5),
}
REGION_POWER_DBM = {"KR": 23, "SG_923": 20, "TH": 27, "EU_868": 27, "JP": 13}
# The 10 config and 16 module sections in the order of the dump; three module frames come empty.
CONFIG_SECTIONS = (
    "device",
    "position",
    "power",
    "network",
    "display",
    "lora",
    "bluetooth",
    "security",
    "sessionkey",
    "device_ui",
)
MODULE_SECTIONS = (
    "mqtt",
    "serial",
    "external_notification",
    "store_forward",
    "range_test",
    "telemetry",
    "canned_message",
    "audio",
    "remote_hardware",
    "neighbor_info",
    "ambient_lighting",
    "detection_sensor",
    "paxcounter",
    "",
    "",
    "",
)
# A LoRa write reboots the radio only when one of these changed.
LORA_REBOOT_FIELDS = (
    "use_preset",
    "modem_preset",
    "bandwidth",
    "spread_factor",
    "coding_rate",
    "frequency_offset",
    "region",
    "tx_power",
    "channel_num",
    "override_frequency",
    "sx126x_rx_boosted_gain",
    "tx_enabled",
)


def node_id(num: int) -> str:
    """The way people write a node number: !1000001f."""
    return f"!{num:08x}"


def _djb2(text: str) -> int:
    value = 5381
    for char in text:
        value = (value * 33 + ord(char)) & 0xFFFFFFFF
    return value


@dataclass(slots=True)
class ConfigState:
    """The flash of one radio. Build with `make_config`."""

    owner: mesh_pb2.User
    keys: KeyPair
    config: localonly_pb2.LocalConfig
    modules: localonly_pb2.LocalModuleConfig
    channels: list[channel_pb2.Channel]
    ringtone: str = ""
    canned_messages: str = ""
    nodeinfo_sent_at: float | None = None  # the throttle survives reboots
    ui: mesh_pb2.FromRadio = field(default_factory=mesh_pb2.FromRadio)

    @property
    def region(self) -> str:
        return str(config_pb2.Config.LoRaConfig.RegionCode.Name(self.config.lora.region))

    @property
    def preset(self) -> str:
        """Preset name; a radio on explicit parameters is taken for the preset that has them."""
        lora = self.config.lora
        if lora.use_preset:
            name = str(config_pb2.Config.LoRaConfig.ModemPreset.Name(lora.modem_preset))
            return name if name in PRESETS else "LONG_FAST"
        for preset in PRESETS.values():
            if preset.spreading == lora.spread_factor and preset.bandwidth_khz == lora.bandwidth:
                return preset.name
        return "LONG_FAST"

    @property
    def tuning(self) -> Tuning | None:
        """Centre frequency and preset; None while the region is unset or sending is off."""
        lora = self.config.lora
        if self.region == "UNSET":
            return None
        if lora.override_frequency:
            return Tuning(round(lora.override_frequency + lora.frequency_offset, 4), self.preset)
        start, end = REGIONS_MHZ.get(self.region, REGIONS_MHZ["KR"])
        khz = PRESETS[self.preset].bandwidth_khz
        slots = max(int((end - start) * 1000 // khz), 1)
        slot = lora.channel_num or _djb2(self.channel_name(0)) % slots + 1
        return Tuning(round(slot_centre_mhz(start, khz, slot), 4), self.preset)

    def channel_name(self, index: int) -> str:
        """The name that is hashed: an unnamed channel is called after the preset."""
        name = str(self.channels[index].settings.name)
        return name or "".join(word.capitalize() for word in self.preset.split("_"))

    def channel_psk(self, index: int) -> bytes:
        """A secondary channel without a key of its own uses the primary's."""
        psk = bytes(self.channels[index].settings.psk)
        secondary = self.channels[index].role == channel_pb2.Channel.Role.SECONDARY
        return bytes(self.channels[0].settings.psk) if secondary and not psk else psk

    def channel_active(self, index: int) -> bool:
        if not 0 <= index < CHANNELS:
            return False
        return bool(self.channels[index].role != channel_pb2.Channel.Role.DISABLED)

    @property
    def hop_limit(self) -> int:
        return int(self.config.lora.hop_limit) or 3

    @property
    def muted(self) -> bool:
        """CLIENT_MUTE repeats nobody."""
        return bool(self.config.device.role == config_pb2.Config.DeviceConfig.Role.CLIENT_MUTE)


def make_metadata(state: ConfigState) -> mesh_pb2.DeviceMetadata:
    """DeviceMetadata as the native build reports it."""
    return mesh_pb2.DeviceMetadata(
        firmware_version=FIRMWARE,
        device_state_version=24,
        hasWifi=True,
        position_flags=POSITION_FLAGS,
        hw_model=mesh_pb2.HardwareModel.PORTDUINO,
        hasPKC=True,
        excluded_modules=EXCLUDED_MODULES,
        role=state.config.device.role,
    )


def make_config(
    num: int, long_name: str, short_name: str, keys: KeyPair, region: str, preset: str
) -> ConfigState:
    """Factory settings for node `num`, then region and preset as a village would set them."""
    owner = mesh_pb2.User(
        id=node_id(num),
        long_name=long_name,
        short_name=short_name,
        macaddr=b"\x02\x00" + num.to_bytes(4, "big"),
        hw_model=mesh_pb2.HardwareModel.PORTDUINO,
        is_unmessagable=False,
    )
    config = localonly_pb2.LocalConfig()
    _fill_config(config, region, preset)
    if region != "UNSET":
        owner.public_key = keys.public
        config.security.public_key = keys.public
        config.security.private_key = keys.private
    else:
        keys = KeyPair(b"", b"")
    channels = [channel_pb2.Channel(index=i) for i in range(CHANNELS)]
    for channel in channels:
        channel.settings.SetInParent()
    channels[0].role = channel_pb2.Channel.Role.PRIMARY
    channels[0].settings.psk = b"\x01"
    channels[0].settings.module_settings.position_precision = 13
    return ConfigState(owner, keys, config, _make_modules(num, region), channels)


def _fill_config(config: localonly_pb2.LocalConfig, region: str, preset: str) -> None:
    config.device.node_info_broadcast_secs = 10800
    config.position.position_broadcast_secs = 3600
    config.position.position_broadcast_smart_enabled = True
    config.position.gps_update_interval = 120
    config.position.position_flags = POSITION_FLAGS
    config.position.broadcast_smart_minimum_distance = 100
    config.position.broadcast_smart_minimum_interval_secs = 300
    config.position.gps_mode = config_pb2.Config.PositionConfig.GpsMode.NOT_PRESENT
    config.power.wait_bluetooth_secs = 60
    config.power.sds_secs = 0xFFFFFFFF
    config.power.ls_secs = 300
    config.power.min_wake_secs = 10
    config.network.ntp_server = "meshtastic.pool.ntp.org"
    config.display.screen_on_secs = 600
    config.bluetooth.enabled = True
    config.bluetooth.mode = config_pb2.Config.BluetoothConfig.PairingMode.FIXED_PIN
    config.bluetooth.fixed_pin = 123456
    config.security.serial_enabled = True
    lora = config.lora
    lora.use_preset = True
    lora.region = config_pb2.Config.LoRaConfig.RegionCode.Value(region)
    lora.modem_preset = config_pb2.Config.LoRaConfig.ModemPreset.Value(preset)
    apply_preset(config)
    lora.hop_limit = 3
    lora.tx_enabled = True
    lora.tx_power = REGION_POWER_DBM.get(region, 30)
    lora.sx126x_rx_boosted_gain = True
    lora.fem_lna_mode = config_pb2.Config.LoRaConfig.FEM_LNA_Mode.NOT_PRESENT


def apply_preset(config: localonly_pb2.LocalConfig) -> None:
    """Write the preset's bandwidth and spreading factor into the section, as the firmware does."""
    lora = config.lora
    name = str(config_pb2.Config.LoRaConfig.ModemPreset.Name(lora.modem_preset))
    if not lora.use_preset or name not in PRESETS:
        return
    lora.bandwidth = int(PRESETS[name].bandwidth_khz)
    lora.spread_factor = PRESETS[name].spreading
    if lora.region:
        lora.coding_rate = PRESETS[name].coding


def _make_modules(num: int, region: str) -> localonly_pb2.LocalModuleConfig:
    modules = localonly_pb2.LocalModuleConfig()
    for name in MODULE_SECTIONS:
        if name:
            getattr(modules, name).SetInParent()
    modules.mqtt.address = "mqtt.meshtastic.org"
    modules.mqtt.username = "meshdev"
    modules.mqtt.password = "large4cats"  # noqa: S105 - the firmware's public default
    modules.mqtt.encryption_enabled = True
    modules.mqtt.root = "msh" if region == "UNSET" else f"msh/{region}"
    modules.telemetry.device_update_interval = 0x7FFFFFFF
    modules.ambient_lighting.current = 10
    modules.ambient_lighting.red = num >> 16 & 0xFF
    modules.ambient_lighting.green = num >> 8 & 0xFF
    modules.ambient_lighting.blue = num & 0xFF
    modules.detection_sensor.minimum_broadcast_secs = 45
    modules.detection_sensor.detection_trigger_type = (
        module_config_pb2.ModuleConfig.DetectionSensorConfig.TriggerType.LOGIC_HIGH
    )
    return modules
