"""docs/scale.md still shows the configurations that tests/soak tries: whoever changes one changes the other."""

from pathlib import Path

from soak.test_load_balancer import haproxy, nginx
from soak.test_nats_broker import NODES, Node, balanced


def test_the_page_shows_the_load_balancers_that_are_tried(tmp_path: Path) -> None:
    nginx(tmp_path, port=1443, names_port=1053, ocpp_port=9000)
    haproxy(tmp_path, port=1443, ocpp_port=9000)

    assert "limit_req zone=knocks" in (tmp_path / "nginx.conf").read_text()
    assert "req.ssl_sni" in (tmp_path / "haproxy.cfg").read_text()


def test_the_page_shows_the_cluster_that_is_tried(tmp_path: Path) -> None:
    routes = dict(zip(NODES, (6001, 6002, 6003), strict=True))
    nodes = {name: Node(tmp_path / "nats", name, routes) for name in NODES}
    balanced(tmp_path, nodes, port=1883)

    assert "server_name: n2" in (tmp_path / "nats" / "n2" / "nats.conf").read_text()
    assert f"127.0.0.1:{nodes['n3'].mqtt_port}" in (tmp_path / "haproxy.cfg").read_text()
