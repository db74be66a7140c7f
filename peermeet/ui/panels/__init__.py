"""What stands beside the stage. Every panel comes through `extend.panel`, as a plugin's would."""
