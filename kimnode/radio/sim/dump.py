"""The frames a radio sends in answer to want_config_id, in firmware 2.7.26's order.

Nonce 69420 leaves out the other nodes, 69421 everything but nodes (my_info too).
"""

from collections.abc import Iterator

from meshtastic.protobuf import config_pb2, mesh_pb2, module_config_pb2

from kimnode.radio.sim.board import Board
from kimnode.radio.sim.config_state import CONFIG_SECTIONS, MODULE_SECTIONS, make_metadata

NONCE_CONFIG_ONLY, NONCE_NODES_ONLY = 69420, 69421
MIN_APP_VERSION = 30200
SCREEN_BRIGHTNESS, SCREEN_TIMEOUT_S = 153, 30
TRANSMIT_HISTORY_BYTES = 13


def dump(board: Board, nonce: int) -> Iterator[mesh_pb2.FromRadio]:
    """Every frame up to and including config_complete_id."""
    if nonce != NONCE_NODES_ONLY:
        yield from _who_we_are(board)
        yield from _settings(board)
    else:
        yield mesh_pb2.FromRadio(node_info=own_info(board))
    if nonce != NONCE_CONFIG_ONLY:
        entries = board.nodes.in_order()
        next(entries)
        for entry in entries:
            yield mesh_pb2.FromRadio(node_info=entry.to_info())
    if nonce != NONCE_NODES_ONLY:
        yield from _files(board)
    yield mesh_pb2.FromRadio(config_complete_id=nonce)


def own_info(board: Board) -> mesh_pb2.NodeInfo:
    """Our own entry; it carries the radio's clock, as long as it has one."""
    own = board.nodes.entries[board.num]
    own.user = board.state.owner
    own.favorite = True
    own.last_heard = board.unix_time
    position = mesh_pb2.Position()
    if own.position is not None:
        position.CopyFrom(own.position)
    if board.unix_time:
        position.time = board.unix_time
    own.position = position
    return own.to_info()


def _who_we_are(board: Board) -> Iterator[mesh_pb2.FromRadio]:
    yield mesh_pb2.FromRadio(
        my_info=mesh_pb2.MyNodeInfo(
            my_node_num=board.num,
            min_app_version=MIN_APP_VERSION,
            pio_env="native",
            nodedb_count=len(board.nodes.entries),
        )
    )
    ui = mesh_pb2.FromRadio()
    ui.deviceuiConfig.screen_brightness = SCREEN_BRIGHTNESS
    ui.deviceuiConfig.screen_timeout = SCREEN_TIMEOUT_S
    yield ui
    yield mesh_pb2.FromRadio(node_info=own_info(board))
    yield mesh_pb2.FromRadio(metadata=make_metadata(board.state))
    for channel in board.state.channels:
        yield mesh_pb2.FromRadio(channel=channel)


def _settings(board: Board) -> Iterator[mesh_pb2.FromRadio]:
    for name in CONFIG_SECTIONS:
        yield mesh_pb2.FromRadio(config=config_section(board, name))
    for name in MODULE_SECTIONS:
        yield mesh_pb2.FromRadio(moduleConfig=module_section(board, name))


def config_section(board: Board, name: str) -> config_pb2.Config:
    """One config section, present even when it holds only defaults."""
    config = config_pb2.Config()
    section = getattr(config, name)
    section.SetInParent()
    if hasattr(board.state.config, name):
        section.CopyFrom(getattr(board.state.config, name))
    return config


def module_section(board: Board, name: str) -> module_config_pb2.ModuleConfig:
    """One module section; the three unnamed ones are empty."""
    config = module_config_pb2.ModuleConfig()
    if name:
        section = getattr(config, name)
        section.SetInParent()
        section.CopyFrom(getattr(board.state.modules, name))
    return config


def _files(board: Board) -> Iterator[mesh_pb2.FromRadio]:
    state = board.state
    sizes = {
        "device.proto": state.owner.ByteSize() + 10,
        "nodes.proto": sum(e.to_info().ByteSize() for e in board.nodes.entries.values()),
        "channels.proto": sum(c.ByteSize() for c in state.channels),
    }
    if state.region != "UNSET":
        sizes["config.proto"] = state.config.ByteSize()
        sizes["module.proto"] = state.modules.ByteSize()
        sizes["transmit_history.dat"] = TRANSMIT_HISTORY_BYTES
    for name, size in sizes.items():
        info = mesh_pb2.FileInfo(file_name=f"/prefs/{name}", size_bytes=size)
        yield mesh_pb2.FromRadio(fileInfo=info)
