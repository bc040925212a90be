
publishing {
    publications.register<MavenPublication>("release") {
        groupId = "im.sotto"
        artifactId = "sotto-android"
        version = "0.1.0"
        afterEvaluate { from(components["release"]) }
    }
}
