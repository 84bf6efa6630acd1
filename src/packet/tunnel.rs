//! Tunnels: GRE, ERSPAN, VXLAN, Geneve, IP-in-IP, Teredo, PPPoE, MPLS, GTP-U.
